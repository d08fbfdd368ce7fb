mock_provider "aws" {
  override_during = plan
}

variables {
  deployment          = "glideslope"
  partition           = "aws"
  account             = "123456789012"
  isolated_subnet_ids = ["subnet-a", "subnet-b"]
  administrator_arns  = ["arn:aws:iam::123456789012:role/platform"]
  key_arn             = "arn:aws:kms:eu-central-1:123456789012:key/1"
  log_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/2"
}

run "the_api_is_inside_of_the_network_and_nodes_are_isolated" {
  command = plan

  assert {
    condition     = !aws_eks_cluster.this[0].vpc_config[0].endpoint_public_access
    error_message = "the API is on the internet"
  }

  assert {
    condition     = keys(aws_eks_node_group.this) == ["isolated"] && aws_eks_node_group.this["isolated"].subnet_ids == toset(["subnet-a", "subnet-b"])
    error_message = "nodes: ${jsonencode(keys(aws_eks_node_group.this))}"
  }

  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "NetworkPolicies are not enforced"
  }
}

run "what_does_not_ask_for_the_way_out_does_not_get_it" {
  command = plan

  variables {
    private_subnet_ids = ["subnet-x", "subnet-y"]
  }

  assert {
    condition     = one(aws_eks_node_group.this["egress"].taint).effect == "NO_SCHEDULE" && length(aws_eks_node_group.this["isolated"].taint) == 0
    error_message = "pods land on nodes with a way to the internet"
  }
}

run "nothing_is_made_where_a_cluster_is_there" {
  command = plan

  variables {
    existing_cluster = "platform"
  }

  override_data {
    target = data.aws_eks_cluster.existing
    values = { name = "platform", vpc_config = [{ cluster_security_group_id = "sg-nodes" }] }
  }

  assert {
    condition     = length(aws_eks_cluster.this) + length(aws_eks_node_group.this) + length(aws_iam_role.node) + length(aws_eks_addon.before_nodes) == 0
    error_message = "something is made"
  }
}

run "nodes_run_what_the_images_were_built_for" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this["isolated"].ami_type == "BOTTLEROCKET_x86_64" && aws_eks_node_group.this["isolated"].instance_types == tolist(["m7i.large"])
    error_message = "nodes: ${aws_eks_node_group.this["isolated"].ami_type} ${jsonencode(aws_eks_node_group.this["isolated"].instance_types)}"
  }
}

run "graviton_on_request" {
  command = plan

  variables {
    architecture = "arm64"
  }

  assert {
    condition     = aws_eks_node_group.this["isolated"].ami_type == "BOTTLEROCKET_ARM_64" && aws_eks_node_group.this["isolated"].instance_types == tolist(["m7g.large"])
    error_message = "nodes: ${aws_eks_node_group.this["isolated"].ami_type} ${jsonencode(aws_eks_node_group.this["isolated"].instance_types)}"
  }
}

run "an_instance_of_another_architecture_is_refused" {
  command = plan

  variables {
    instance_types = ["m7i.large", "m7g.large"]
  }

  expect_failures = [var.instance_types]
}
