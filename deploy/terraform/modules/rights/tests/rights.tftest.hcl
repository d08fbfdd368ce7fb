mock_provider "aws" {
  override_during = plan
}

variables {
  deployment         = "glideslope"
  partition          = "aws"
  region             = "eu-central-1"
  account            = "123456789012"
  cluster            = "glideslope"
  kafka_cluster      = "glideslope"
  kafka_cluster_uuid = "0f5c-7"
  audit_bucket       = "logs"
  keys               = { audit = "arn:k/1", master = "arn:k/2", secrets = "arn:k/3" }
}

run "a_role_is_taken_by_the_pods_of_one_service_account" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.service["audit"].assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-service-account"] == "glideslope-audit"
    error_message = aws_iam_role.service["audit"].assume_role_policy
  }

  assert {
    condition = alltrue([
      for service, each in aws_eks_pod_identity_association.service :
      each.service_account == "glideslope-${service}" && each.namespace == "glideslope" if !contains(["fetcher", "scaler"], service)
    ])
    error_message = "a service account has another service's role"
  }

  assert {
    condition     = length(aws_iam_policy.models) == 0
    error_message = "inference may call models that no release names"
  }
}

# KEDA and External Secrets are installed by their own charts, each in a namespace of its own
run "operators_have_roles_where_they_are" {
  command = plan

  assert {
    condition = alltrue([
      for who, place in { fetcher = ["external-secrets", "external-secrets"], scaler = ["keda", "keda-operator"] } :
      [aws_eks_pod_identity_association.service[who].namespace, aws_eks_pod_identity_association.service[who].service_account] == place &&
      jsondecode(aws_iam_role.service[who].assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-namespace"] == place[0]
    ])
    error_message = jsonencode(aws_eks_pod_identity_association.service)
  }

  assert {
    condition     = !strcontains(local.policies["scaler.kafka"], "ReadData") && !strcontains(local.policies["scaler.kafka"], "WriteData")
    error_message = "KEDA reads records"
  }
}

run "topics_have_the_prefix" {
  command = plan

  variables {
    topic_prefix = "pilot."
  }

  assert {
    condition     = strcontains(local.policies["ingest.kafka"], "topic/glideslope/0f5c-7/pilot.requests.accepted")
    error_message = local.policies["ingest.kafka"]
  }
}

run "a_policy_longer_than_iam_takes_is_refused" {
  command = plan

  variables {
    services     = ["audit"]
    topic_prefix = "a-prefix-that-nobody-reads-to-its-end-because-it-is-so-very-long-that-iam-refuses-it."
  }

  expect_failures = [aws_iam_policy.this["audit.kafka"]]
}

run "answers_are_promoted_from_one_environment_of_one_repository" {
  command = plan

  variables {
    promotion = {
      provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
      repository   = "owner/repository"
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role.promotion[0].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:owner/repository:environment:production"
    error_message = aws_iam_role.promotion[0].assume_role_policy
  }

  assert {
    condition     = keys(aws_iam_policy.promotion) == ["releaser.kafka"] && strcontains(local.promotion_policies["releaser.kafka"], "topic/glideslope/0f5c-7/routing")
    error_message = "a releaser cannot write what it promotes with"
  }
}

run "without_being_asked_nobody_promotes_from_outside" {
  command = plan

  assert {
    condition     = length(aws_iam_role.promotion) == 0 && length(aws_iam_policy.promotion) == 0
    error_message = "there is a role that nobody asked for"
  }
}

run "a_pattern_of_repositories_is_refused" {
  command = plan

  variables {
    promotion = { provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", repository = "owner/*" }
  }

  expect_failures = [var.promotion]
}
