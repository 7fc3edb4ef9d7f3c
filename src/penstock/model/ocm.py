"""Where OpenShift Cluster Manager is asked, and where tokens for it come from."""

OCM_URL = "https://api.openshift.com"

TOKEN_URL = "https://sso.redhat.com/auth/realms/redhat-external/protocol/openid-connect/token"  # noqa: S105  # an address
"""The token endpoint of Red Hat's single sign-on (OAuth 2.0)."""

OFFLINE_CLIENT = "cloud-services"
"""The client of single sign-on that offline tokens are given to."""
