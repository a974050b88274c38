"""Our own `command` plugin: `command:remote:Command`, as the official one runs it."""
