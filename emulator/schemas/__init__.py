"""What marshmallow and JSON readers share: base fields, error words, strict JSON."""
