### Texts of the network rules.
