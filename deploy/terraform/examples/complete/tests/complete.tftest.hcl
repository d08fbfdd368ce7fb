# The whole example, planned on a provider that has the AWS provider's schema and no cloud.

mock_provider "aws" {
  override_during = plan

  # with an id that is known in the plan
  mock_resource "aws_kms_key" {}
  mock_resource "aws_subnet" {}

  mock_resource "aws_vpc_endpoint" {
    defaults = { cidr_blocks = ["3.5.136.0/22"] }
  }

  mock_resource "aws_msk_cluster" {
    defaults = { cluster_uuid = "0f5c-7", bootstrap_brokers_sasl_iam = "b-1.example:9098" }
  }
}

variables {
  account                = "123456789012"
  region                 = "eu-central-1"
  zones                  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  cluster_administrators = ["arn:aws:iam::123456789012:role/platform"]
  key_custodians         = ["arn:aws:iam::123456789012:role/terraform"]
  alarm_emails           = ["oncall@acme.example"]
}

run "a_pilot" {
  command = plan

  assert {
    condition     = yamldecode(output.values).kafka.partitions == 6 && yamldecode(output.values).kafka.replicationFactor == 3
    error_message = output.values
  }

  assert {
    condition     = yamldecode(output.values).audit.s3.bucket == "glideslope-audit-123456789012-eu-central-1"
    error_message = output.values
  }

  assert {
    condition     = length(module.network.private_subnet_ids) == 0 && length(module.network.isolated_subnet_ids) == 3
    error_message = "there is a way to the internet that nobody asked for"
  }

  assert {
    condition     = toset(keys(output.roles)) == toset(["audit", "fetcher", "inference", "ingest", "installer", "review", "scaler", "validator"])
    error_message = "roles: ${jsonencode(keys(output.roles))}"
  }

  # nobody asked for auditors, witnesses or models
  assert {
    condition     = length(module.rights.policies) == 13 && length(module.rights.other_roles) == 0
    error_message = "policies: ${jsonencode(keys(module.rights.policies))}"
  }

  # every place of every template has got its value
  assert {
    condition     = alltrue([for policy in module.rights.policies : !strcontains(policy, "$${") && can(jsondecode(policy))])
    error_message = "a policy has a place without a value, or is no JSON"
  }

  assert {
    condition = strcontains(
      module.rights.policies["ingest.kafka"],
      "arn:aws:kafka:eu-central-1:123456789012:topic/glideslope/0f5c-7/requests.accepted",
    )
    error_message = "ingest's topics are not named as MSK names them"
  }

  assert {
    condition     = strcontains(module.rights.policies["audit.data"], module.keys.arns["master"])
    error_message = "audit cannot open the keys of persons"
  }

  assert {
    condition     = !anytrue([for name, policy in module.rights.policies : strcontains(policy, module.keys.arns["master"]) if !startswith(name, "audit.")])
    error_message = "somebody but audit has the key of keys"
  }

  assert {
    condition     = length(module.alarms.names) == 5 + 2 * 3 + 5
    error_message = "alarms: ${jsonencode(module.alarms.names)}"
  }
}

run "with_models_of_a_release" {
  command = plan

  variables {
    model_policy_file = "models.json"
    model_ids         = ["eu.anthropic.claude-sonnet-4-5-20250929-v1:0"]
    auditor_arns      = ["arn:aws:iam::210987654321:role/auditor"]
    witness_arns      = ["arn:aws:iam::210987654321:role/witness"]
    providers_file    = "providers.json"
  }

  assert {
    condition     = yamldecode(output.values).inference.providers.bedrock.kind == "bedrock" && yamldecode(output.values).inference.egress[0].ports == [443]
    error_message = output.values
  }

  assert {
    condition     = toset(keys(module.rights.other_roles)) == toset(["auditor", "witness"])
    error_message = "roles: ${jsonencode(keys(module.rights.other_roles))}"
  }

  assert {
    condition     = length(module.rights.policies) == 16
    error_message = "policies: ${jsonencode(keys(module.rights.policies))}"
  }

  assert {
    condition     = contains(module.alarms.names, "glideslope-model-throttled-eu-anthropic-claude-sonnet-4-5-20250929-v1-0")
    error_message = "alarms: ${jsonencode(module.alarms.names)}"
  }
}

run "on_a_cluster_that_is_there" {
  command = plan

  variables {
    existing_cluster = "platform"
  }

  override_data {
    target = module.cluster.data.aws_eks_cluster.existing
    values = { name = "platform", vpc_config = [{ cluster_security_group_id = "sg-nodes" }] }
  }

  assert {
    condition     = output.cluster == "platform" && module.cluster.node_security_group_id == "sg-nodes"
    error_message = "the cluster is ${output.cluster}"
  }
}

run "with_a_provider_of_models_outside" {
  command = plan

  variables {
    internet_egress = true
  }

  assert {
    condition     = yamldecode(output.values).review.tolerations[0].key == "glideslope.dev/network"
    error_message = "review does not reach the OpenID provider: ${output.values}"
  }

  assert {
    condition     = length(module.network.private_subnet_ids) == 3
    error_message = "there is no way to the internet"
  }

  assert {
    condition     = length(setintersection(module.network.private_subnet_ids, module.network.isolated_subnet_ids)) == 0
    error_message = "an isolated subnet is among those with a way out"
  }
}

run "a_million_questions_a_day" {
  command = plan

  variables {
    questions_per_day = 1000000
  }

  assert {
    condition     = yamldecode(output.values).kafka.partitions >= 2 * output.replicas
    error_message = "partitions for ${output.replicas} replicas: ${output.values}"
  }
}
