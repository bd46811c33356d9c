"""One capability, one module, one main function; engines come as arguments."""
