"""What an image builder needs: the dracut module, and the program that puts the executor's files together."""
