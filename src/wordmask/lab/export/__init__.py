"""Networks written as files that engines run on."""
