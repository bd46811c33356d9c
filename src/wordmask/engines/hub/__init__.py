"""What the engines on torch and transformers share. No engine lives here, and nothing here imports one."""
