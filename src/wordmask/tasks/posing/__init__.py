"""What joints are good for: better masks, parts of bodies, and how joints move."""
