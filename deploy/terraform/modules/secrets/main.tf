# Places for secrets in Secrets Manager, empty: their values are put there by people, and are in no state.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57:they are keys of providers and a database's password, which AWS cannot make anew; docs/aws.md says how to rotate each
  for_each = merge([
    for service, secrets in var.secrets : {
      for name, about in secrets : "${service}/${name}" => about
    }
  ]...)

  name                    = "${var.deployment}/${each.key}"
  description             = each.value
  kms_key_id              = var.key_arn
  recovery_window_in_days = 30
}
