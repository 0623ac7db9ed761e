"""The Drift API: one contact (`contact`), many at once (`engine`), requests (`http`), sign-in (`auth`)."""
