"""How words become masks: four ways find candidates, one way finishes them."""
