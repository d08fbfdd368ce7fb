mock_provider "aws" {
  override_during = plan
}

variables {
  deployment     = "glideslope"
  partition      = "aws"
  region         = "eu-central-1"
  account        = "123456789012"
  audit_role     = "glideslope-audit"
  key_custodians = ["arn:aws:iam::123456789012:role/terraform"]
}

run "every_key_rotates_and_ends_slowly" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.deletion_window_in_days == 30])
    error_message = "a key does not rotate, or can be gone in less than 30 days"
  }
}

run "keys_of_persons_are_opened_by_audit_alone" {
  command = plan

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_kms_key.this["master"].policy).Statement :
      statement.Effect == "Deny" && contains(flatten([statement.Action]), "kms:Decrypt") &&
      try(statement.Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::123456789012:role/glideslope-audit", false)
    ])
    error_message = "others than audit may open the keys of persons"
  }
}

run "somebody_must_be_able_to_change_the_key_of_keys" {
  command = plan

  variables {
    key_custodians = []
  }

  expect_failures = [var.key_custodians]
}

run "auto_scaling_starts_nodes_on_encrypted_volumes" {
  command = plan

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_kms_key.this["cluster"].policy).Statement : statement.Action
      if try(endswith(statement.Principal.AWS, ":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"), false)
    ])) == toset(["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"])
    error_message = aws_kms_key.this["cluster"].policy
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.this["cluster"].policy).Statement :
      try(statement.Condition.Bool["kms:GrantIsForAWSResource"], "") == "true" if statement.Action == "kms:CreateGrant"
    ])
    error_message = "grants for others than services of AWS"
  }

  assert {
    condition     = !anytrue([for name, key in aws_kms_key.this : strcontains(key.policy, "AWSServiceRoleForAutoScaling") if name != "cluster"])
    error_message = "Auto Scaling may use a key that is none of nodes' volumes"
  }
}
