"""What the engines on torch share. Its modules import torch; only engines import them."""
