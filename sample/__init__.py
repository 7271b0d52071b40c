"""样例: a small ministry site for demonstration and tests, in the layouts of three eras."""
