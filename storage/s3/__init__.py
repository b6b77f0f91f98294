"""The S3 medium: chunks as objects of a bucket, on any server that speaks S3."""
