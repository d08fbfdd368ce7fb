mock_provider "aws" {
  override_during = plan
}

variables {
  bucket         = "logs"
  partition      = "aws"
  account        = "123456789012"
  key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/1"
  retention_days = 7
  audit_role_arn = "arn:aws:iam::123456789012:role/glideslope-audit"
}

run "what_is_written_is_locked_in_compliance_mode" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this.object_lock_enabled && aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "the bucket has no versions to lock"
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.this.rule[0].default_retention[0].mode == "COMPLIANCE" && aws_s3_bucket_object_lock_configuration.this.rule[0].default_retention[0].days == 7
    error_message = "objects are not locked for 7 days in compliance mode"
  }

  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect])) == toset(["Deny"])
    error_message = "the bucket's policy gives rights to somebody"
  }
}

run "a_retention_of_nothing_is_refused" {
  command = plan

  variables {
    retention_days = 0
  }

  expect_failures = [var.retention_days]
}
