"""VHDs into plans of Azure's marketplace: uploaded once for each account, attached to drafts, previewed, and made live offer by offer."""
