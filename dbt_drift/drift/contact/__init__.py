"""The steps for one contact, without I/O: look up, create, update, tag."""
