"""Our own networks in torch. Training and export live in `lab`; engines run the exported files."""
