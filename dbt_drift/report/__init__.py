"""The report as a page: one file that loads nothing, runs nothing, and opens from a mail or a bucket."""
