"""The ground floor: parts, records, randomness and tensors. It imports nothing of the floors above."""
