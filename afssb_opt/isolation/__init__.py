"""Running code that may hang, crash or eat the memory in a child process that cannot take the parent with it."""
