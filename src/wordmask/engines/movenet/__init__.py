"""MoveNet Lightning: a person in a box -> 17 joints. Embedded, offline, on a CPU."""
