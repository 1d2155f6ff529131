### Texts of the cpu rules.
