"""What holds for every test: no AWS account is ever in reach, and a busy machine makes no property test fail."""

import os

from hypothesis import settings

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]  # a developer's own profile, keys and endpoints
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
)

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
