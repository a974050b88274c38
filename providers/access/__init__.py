"""Who gets onto a machine, and how: the first of its properties and the last to be given back."""
