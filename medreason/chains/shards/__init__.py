"""The pure functions that a job runs on a shard of questions, a module each."""
