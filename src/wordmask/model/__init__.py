"""Our own network, `mini`: what it is made of, what it learns from, what it is punished for (torch)."""
