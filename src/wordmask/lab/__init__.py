"""What people run on data sets: measure, train, distil, export."""
