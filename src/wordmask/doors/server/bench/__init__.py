"""What serving costs: `wordmask bench suite serve`. See `suite.ServeSuite`."""
