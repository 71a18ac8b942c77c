"""Pictures that people upload: made ready, kept under the address of their content, each in the one place it fills."""
