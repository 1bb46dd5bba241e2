"""What the mobile SDKs' calls do, as far as their public code and their documentation say it (T, K, R)."""
