"""How the real server programs are prepared and run; which pods they stand behind is the engines' business."""
