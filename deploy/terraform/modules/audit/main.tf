# The bucket of the audit logs: written once, locked in compliance mode, encrypted, over TLS alone.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_144:a copy in another region is a decision about where data may be; docs/aws.md says how to add one
  # checkov:skip=CKV2_AWS_62:nothing is to happen when an object is written; the audit service reports by itself
  bucket              = var.bucket
  object_lock_enabled = true
  force_destroy       = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  bucket = aws_s3_bucket_versioning.this.bucket

  rule {
    default_retention {
      mode = "COMPLIANCE"
      days = var.retention_days
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # nothing expires: every version of a checkpoint is verified
  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  bucket = aws_s3_bucket.this.id

  target_bucket = aws_s3_bucket.access.id
  target_prefix = "audit/"
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket_public_access_block.this.bucket
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

locals {
  arn     = "arn:${var.partition}:s3:::${var.bucket}"
  objects = "${local.arn}/*"

  statements = [
    {
      Sid       = "OverTlsAlone"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.arn, local.objects]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    },
    {
      Sid       = "NoTlsOfBefore"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.arn, local.objects]
      Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
    },
    {
      # who names no encryption gets the bucket's, which is right
      Sid       = "WithKmsAlone"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutObject"
      Resource  = local.objects
      Condition = {
        Null            = { "s3:x-amz-server-side-encryption" = "false" }
        StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
      }
    },
    {
      Sid       = "WithThisKeyAlone"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutObject"
      Resource  = local.objects
      Condition = {
        Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
        StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = var.key_arn }
      }
    },
    {
      # a delete marker would hide an object; lifecycle rules are not asked
      Sid       = "NothingIsDeleted"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
      Resource  = local.objects
    },
    {
      Sid       = "NoLockIsBypassed"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:BypassGovernanceRetention"
      Resource  = local.objects
    },
    {
      Sid       = "LocksAreForCompliance"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:PutObject", "s3:PutObjectRetention"]
      Resource  = local.objects
      Condition = {
        Null            = { "s3:object-lock-mode" = "false" }
        StringNotEquals = { "s3:object-lock-mode" = "COMPLIANCE" }
      }
    },
    {
      # a slip of the hand must not lock an object for a century
      Sid       = "LocksEnd"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutObjectRetention"
      Resource  = local.objects
      Condition = { NumericGreaterThan = { "s3:object-lock-remaining-retention-days" = tostring(var.retention_days + 1) } }
    },
    {
      # services create; only a checkpoint and a cosignature are put over another
      Sid         = "WrittenOnce"
      Effect      = "Deny"
      Principal   = "*"
      Action      = "s3:PutObject"
      NotResource = ["${local.arn}/*/checkpoint", "${local.arn}/*/cosignatures/*"]
      Condition   = { Null = { "s3:if-none-match" = "true" } }
    },
    {
      Sid       = "WrittenByAuditAndWitnessesAlone"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:PutObject", "s3:PutObjectRetention"]
      Resource  = local.objects
      Condition = { ArnNotEquals = { "aws:PrincipalArn" = concat([var.audit_role_arn], var.witness_arns) } }
    },
  ]
}

# Who read the bucket and who was refused. S3 writes server access logs into buckets without Object
# Lock alone, and not with SSE-KMS.
resource "aws_s3_bucket" "access" {
  # checkov:skip=CKV_AWS_18:it holds the access logs; its own would be written into it
  # checkov:skip=CKV_AWS_144:as above: access logs are kept where the bucket is
  # checkov:skip=CKV_AWS_145:S3 delivers server access logs into buckets with SSE-S3 alone
  # checkov:skip=CKV2_AWS_62:nothing is to happen when a log is delivered
  bucket        = "${var.bucket}-access"
  force_destroy = false
}

resource "aws_s3_bucket_versioning" "access" {
  bucket = aws_s3_bucket.access.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_ownership_controls" "access" {
  bucket = aws_s3_bucket.access.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "access" {
  bucket = aws_s3_bucket.access.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access" {
  bucket = aws_s3_bucket.access.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "access" {
  bucket = aws_s3_bucket.access.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.access_log_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.access]
}

resource "aws_s3_bucket_policy" "access" {
  bucket = aws_s3_bucket_public_access_block.access.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OverTlsAlone"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["${local.arn}-access", "${local.arn}-access/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "S3DeliversAccessLogs"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.arn}-access/audit/*"
        Condition = {
          ArnLike      = { "aws:SourceArn" = local.arn }
          StringEquals = { "aws:SourceAccount" = var.account }
        }
      },
    ]
  })
}
