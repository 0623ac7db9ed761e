"""Drift: what one contact needs (`contact`), many contacts at once (`engine`), the wire (`http`), sign-in (`auth`)."""
