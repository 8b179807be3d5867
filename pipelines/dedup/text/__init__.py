"""Text of person records: Unicode folding, transliteration, names, addresses, codes and sounds."""
