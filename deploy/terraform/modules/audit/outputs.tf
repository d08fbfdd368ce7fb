output "bucket" {
  description = "Name of the bucket: GLIDESLOPE_AUDIT_S3_BUCKET."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "retention_days" {
  description = "Days for which objects are locked: GLIDESLOPE_AUDIT_S3_RETENTION_DAYS."
  value       = var.retention_days
}
