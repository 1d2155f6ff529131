### Texts of the memory rules.
