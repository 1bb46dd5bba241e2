"""The request journal: what clients sent, what was answered and why, to be looked at and asserted on."""
