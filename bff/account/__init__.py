"""What a page may ask about its own session: `/bff/user`."""
