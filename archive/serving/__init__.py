"""Publishing: the archive's database as a Datasette application, with its plugin and pages."""
