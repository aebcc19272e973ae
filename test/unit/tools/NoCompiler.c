// A shared library that is no compiler.
int unrelated(void);
int unrelated(void) { return 1; }
