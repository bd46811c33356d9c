"""Pictures in: from files, folders, streams and addresses, within limits."""
