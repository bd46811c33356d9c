"""The network of `mini`, in torch."""
