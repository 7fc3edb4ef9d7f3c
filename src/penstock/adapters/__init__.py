"""One module or package for each system outside: it speaks that system's language and raises only our errors."""
