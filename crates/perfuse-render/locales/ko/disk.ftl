### Texts of the disk rules.
