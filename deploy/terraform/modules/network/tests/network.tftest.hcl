mock_provider "aws" {
  override_during = plan

  # with an id that is known in the plan
  mock_resource "aws_route_table" {}
}

variables {
  deployment  = "glideslope"
  partition   = "aws"
  region      = "eu-central-1"
  account     = "123456789012"
  cidr        = "10.40.0.0/16"
  zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  bucket_arns = ["arn:aws:s3:::logs"]
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/1"
}

run "without_egress_there_is_no_gateway_to_the_internet" {
  command = plan

  assert {
    condition     = length(aws_internet_gateway.this) + length(aws_nat_gateway.this) + length(aws_route.public) + length(aws_route.private) == 0
    error_message = "there is a way out"
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.isolated : !subnet.map_public_ip_on_launch])
    error_message = "an isolated subnet gives out public addresses"
  }
}

run "with_egress_the_isolated_subnets_still_have_none" {
  command = plan

  variables {
    internet_egress = true
  }

  assert {
    condition = !contains(
      concat([for route in aws_route.public : route.route_table_id], [for route in aws_route.private : route.route_table_id]),
      aws_route_table.isolated.id,
    )
    error_message = "the isolated route table leads to the internet"
  }

  assert {
    condition     = alltrue([for each in aws_route_table_association.isolated : each.route_table_id == aws_route_table.isolated.id])
    error_message = "an isolated subnet has another route table"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3
    error_message = "a zone's way out leads through another zone"
  }
}

run "what_the_services_call_is_inside" {
  command = plan

  variables {
    model_arns = ["arn:aws:bedrock:eu-central-1::foundation-model/m"]
  }

  assert {
    condition     = length(setsubtract(["bedrock-runtime", "kms", "secretsmanager", "sts"], keys(aws_vpc_endpoint.interface))) == 0
    error_message = "endpoints: ${jsonencode(keys(aws_vpc_endpoint.interface))}"
  }

  assert {
    condition     = alltrue([for each in aws_vpc_endpoint.interface : each.private_dns_enabled])
    error_message = "a service's usual name leads out of the network"
  }

  assert {
    condition = alltrue([
      for each in aws_vpc_endpoint.interface : alltrue([
        for statement in jsondecode(each.policy).Statement : statement.Condition.StringEquals["aws:PrincipalAccount"] == "123456789012"
      ])
    ])
    error_message = "an endpoint serves other accounts"
  }
}

run "models_of_releases_alone" {
  command = plan

  variables {
    model_arns = ["arn:aws:bedrock:eu-central-1::foundation-model/a"]
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.interface["bedrock-runtime"].policy).Statement[0].Resource == ["arn:aws:bedrock:eu-central-1::foundation-model/a"]
    error_message = "the endpoint lets other models be called"
  }
}

run "without_models_of_releases_there_is_no_way_to_bedrock" {
  command = plan

  assert {
    condition     = !contains(keys(aws_vpc_endpoint.interface), "bedrock-runtime")
    error_message = "every model can be called through the endpoint"
  }
}
