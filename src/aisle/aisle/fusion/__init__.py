"""From records to predictions: synchronizer, tokenizer, runtime, decoder."""
