"""What is to be done about one contact, as steps without I/O: look up, create, update, tag."""
