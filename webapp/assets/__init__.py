"""What the organisation looks after: the tree, the register, custody, import, labels."""
