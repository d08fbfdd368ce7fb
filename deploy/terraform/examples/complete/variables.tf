variable "deployment" {
  description = "Name of the deployment: GLIDESLOPE_DEPLOYMENT of its services, and the start of every name on AWS."
  type        = string
  default     = "glideslope"
}

variable "account" {
  description = "Account to build in; Terraform refuses to build in any other."
  type        = string
}

variable "region" {
  description = "Region to build in, one that has the models which releases name."
  type        = string
}

variable "zones" {
  description = "Availability zones, three for three copies of every record."
  type        = list(string)
}

variable "cidr" {
  description = "Addresses of the network, /16 to /20."
  type        = string
  default     = "10.40.0.0/16"
}

variable "internet_egress" {
  description = "Whether some nodes may reach the internet: for an OpenID provider or a provider of models outside of AWS."
  type        = bool
  default     = false
}

variable "questions_per_day" {
  description = "Questions on an average day, which sizes Kafka."
  type        = number
  default     = 10000
}

variable "peak_factor" {
  description = "How many times the average the busiest minute has."
  type        = number
  default     = 10
}

variable "audit_retention_days" {
  description = "Days for which nobody can delete what audit wrote. It cannot be taken back: begin with few."
  type        = number
  default     = 7
}

variable "existing_cluster" {
  description = "Name of an EKS cluster in this network's reach; not given, one is made."
  type        = string
  default     = null
}

variable "architecture" {
  description = "Architecture of the nodes, x86_64 or arm64: the one that the images were built for."
  type        = string
  default     = "x86_64"
}

variable "registry" {
  description = "What stands before each image's name; not given, a registry of this account, <deployment>/<image>."
  type        = string
  default     = null
}

variable "cluster_administrators" {
  description = "ARNs of the roles that administer the cluster."
  type        = set(string)
}

variable "key_custodians" {
  description = "ARNs of the roles that may end or change the key of keys; the role that Terraform runs as is one."
  type        = list(string)
}

variable "model_policy_file" {
  description = "File with what inference may call on Bedrock, as `glideslope access bedrock` prints it; not given, nothing."
  type        = string
  default     = null
}

variable "providers_file" {
  description = "File with GLIDESLOPE_PROVIDERS, JSON, which the chart is told; not given, the extractive model alone answers."
  type        = string
  default     = null
}

variable "model_ids" {
  description = "Models whose throttling is told, as releases name them after the provider."
  type        = set(string)
  default     = []
}

variable "secrets" {
  description = "Secrets to make a place for, by service and name, and what each is."
  type        = map(map(string))
  default = {
    review = {
      database = "GLIDESLOPE_REVIEW_DATABASE: postgresql+asyncpg://review:…@…/review"
      oidc     = "client secret at the identity provider"
    }
  }
}

variable "auditor_arns" {
  description = "ARNs of who may take the auditor's role."
  type        = list(string)
  default     = []
}

variable "witness_arns" {
  description = "ARNs of who may take the witness's role, best of another account."
  type        = list(string)
  default     = []
}

variable "alarm_emails" {
  description = "Addresses that alarms and budgets are told to."
  type        = set(string)
}

variable "budget_usd" {
  description = "US dollars a month for everything that carries the deployment's tag."
  type        = number
  default     = 2000
}

variable "models_budget_usd" {
  description = "US dollars a month for Bedrock in the whole account."
  type        = number
  default     = 500
}

variable "promotion" {
  description = "From where answers are promoted: ARN of the account's OpenID Connect provider for GitHub, `owner/repository`, environment."
  type = object({
    provider_arn = string
    repository   = string
    environment  = optional(string, "production")
  })
  default = null
}
